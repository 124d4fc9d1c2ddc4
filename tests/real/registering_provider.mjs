// A protected resource at `/mcp` behind the certified OpenID provider (npm `oidc-provider`), which
// registers clients, unregisters them, and binds tokens to the resource, on a free port of 127.0.0.1.
//
// On stdin closed it ends. Its first line on stdout is `{"issuer": "http://127.0.0.1:PORT"}`, printed
// when it answers. `GET /control` tells {"clients": n, "registrations": n, "errors": […]}.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const seen = { clients: 0, registrations: 0, errors: [] };

function signingKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' };
}

function startProvider(issuer) {
  const provider = new Provider(issuer, {
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    clockTolerance: 0,
    scopes: ['openid', 'offline_access'],
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 60,
      Grant: 3600,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 3600,
      Session: 3600,
    },
    features: {
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
      revocation: { enabled: true },
    },
  });
  provider.on('registration_create.success', () => {
    seen.clients += 1;
    seen.registrations += 1;
  });
  provider.on('registration_delete.success', () => (seen.clients -= 1));
  const events = ['authorization.error', 'grant.error', 'registration_create.error'];
  for (const event of [...events, 'registration_delete.error', 'revocation.error', 'server_error']) {
    provider.on(event, (_ctx, error) =>
      seen.errors.push(`${event}: ${error.message} ${error.error_description ?? ''}`.trim()),
    );
  }
  return provider;
}

function answerJson(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
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

// What oidc-provider warns about (development pages, storage in memory) is wanted here.
console.info = () => {};
console.warn = () => {};
server.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  provider = startProvider(issuer);
  console.log(JSON.stringify({ issuer }));
});
process.stdin.on('end', () => process.exit(0)).resume();
