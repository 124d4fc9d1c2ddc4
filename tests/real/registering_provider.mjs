// A protected resource at `/mcp` behind the certified OpenID provider (npm `oidc-provider`), which
// registers clients, unregisters them, and binds tokens to the resource, on a free port of 127.0.0.1.
//
// On stdin closed it ends. Its first line on stdout is `{"issuer": "http://127.0.0.1:PORT"}`, printed
// when it answers. `GET /control` tells {"clients": n, "registrations": n, "errors": […]}.
import { createServer } from 'node:http';
import { makeProvider, noteErrors } from './provider.mjs';
import { answerJson, serveUntilStdinEnds } from './serving.mjs';

const seen = { clients: 0, registrations: 0, errors: [] };

function startProvider(issuer) {
  const provider = makeProvider(issuer, {
    scopes: ['openid', 'offline_access'],
    features: {
      deviceFlow: { enabled: true },
      devInteractions: { enabled: true },
      registration: { enabled: true },
      registrationManagement: { enabled: true, rotateRegistrationAccessToken: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, named) => {
          if (named !== `${issuer}/mcp`) throw new Error(`another resource: ${named}`);
          return { scope: 'read', audience: named, accessTokenFormat: 'opaque' };
        },
        useGrantedResource: () => true,
      },
    },
  });
  provider.on('registration_create.success', () => {
    seen.clients += 1;
    seen.registrations += 1;
  });
  provider.on('registration_delete.success', () => (seen.clients -= 1));
  const registering = ['registration_create.error', 'registration_delete.error'];
  const events = ['authorization.error', 'grant.error', ...registering, 'revocation.error'];
  noteErrors(provider, events, (told) => seen.errors.push(told));
  return provider;
}

let provider;
let issuer;

async function serveResource(request, response) {
  const token = request.headers.authorization?.match(/^Bearer (.+)$/)?.[1];
  const found = token && (await provider.AccessToken.find(token));
  const audience = found && [found.aud].flat();
  if (!found?.isValid || !audience.includes(`${issuer}/mcp`)) {
    const metadata = `${issuer}/.well-known/oauth-protected-resource/mcp`;
    const challenge = `Bearer resource_metadata="${metadata}"`;
    answerJson(response, 401, {}, { 'www-authenticate': challenge });
    return;
  }
  answerJson(response, 200, { who: found.accountId, scope: found.scope });
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, issuer);
  if (pathname === '/control') {
    answerJson(response, 200, seen);
  } else if (pathname === '/mcp') {
    await serveResource(request, response);
  } else if (pathname === '/.well-known/oauth-protected-resource/mcp') {
    answerJson(response, 200, {
      resource: `${issuer}/mcp`,
      // One final slash makes no difference.
      authorization_servers: [`${issuer}/`],
      scopes_supported: ['openid', 'read'],
    });
  } else {
    provider.callback()(request, response);
  }
});

await serveUntilStdinEnds(server, (own) => {
  issuer = own;
  provider = startProvider(issuer);
});
