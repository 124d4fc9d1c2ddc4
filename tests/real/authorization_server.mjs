// A certified OpenID provider (npm `oidc-provider`) on a free port of 127.0.0.1, set up as strict
// as services in the wild are: PKCE S256 only, rotating refresh tokens, a spent one kills its grant.
//
// It knows nothing about tokctl. On stdin closed it ends. Its first line on stdout is
// `{"issuer": "http://127.0.0.1:PORT"}`, printed when it answers. Beside the provider's own
// endpoints there is `/control`:
//   PUT {"access_token_life": s, "token_delay_ms": ms, "token_status": n, "rotates": bool}   any of
//       them; `token_status` other than 0 makes the token endpoint fail with that status, and
//       `rotates` says whether a refresh brings a new refresh token.
//   GET  → {"token_requests": n, "revocations": n, "grants": ["authorization_code", …],
//           "issued": [every token ever handed out], "errors": […]}
// Only the tests' own process can reach it, so it asks for no password.
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { makeProvider, noteErrors } from './provider.mjs';
import { answerJson, serveUntilStdinEnds } from './serving.mjs';

const settings = {
  access_token_life: Number(process.env.ACCESS_TOKEN_LIFE ?? 3600),
  token_delay_ms: 0,
  token_status: 0,
  rotates: true,
};
const seen = { token_requests: 0, revocations: 0, grants: [], issued: [], errors: [] };

const nativeApp = {
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
};
// Loopback redirect URIs of a native client are registered without a port: any port matches
// (RFC 8252 §7.3).
const clients = [
  {
    ...nativeApp,
    client_id: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: ['http://127.0.0.1/callback/acme'],
  },
  {
    ...nativeApp,
    client_id: 'post',
    client_secret: 'made-up-post-secret',
    token_endpoint_auth_method: 'client_secret_post',
    redirect_uris: ['http://127.0.0.1/callback/acme'],
  },
  {
    // RFC 6749 §2.3.1: both halves are form-encoded before they are joined and base64-encoded.
    ...nativeApp,
    client_id: 'basic',
    client_secret: 'basic/secret:+%',
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: ['http://127.0.0.1/callback/acme'],
  },
  {
    // Has no browser of its own (RFC 8628).
    application_type: 'native',
    client_id: 'device',
    token_endpoint_auth_method: 'none',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    response_types: [],
    redirect_uris: [],
  },
  {
    // Asks for itself (RFC 6749 §4.4).
    client_id: 'itself',
    client_secret: 'made-up-own-secret',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  },
  {
    // The resource server, which asks whether a token is good (RFC 7662).
    client_id: 'resource-server',
    client_secret: 'made-up-resource-server-secret',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: [],
    response_types: [],
    redirect_uris: [],
  },
];

function startProvider(issuer) {
  const provider = makeProvider(issuer, {
    clients,
    rotateRefreshToken: () => settings.rotates,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    claims: { openid: ['sub'], email: ['email'] },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com` }),
    }),
    ttl: {
      AccessToken: () => settings.access_token_life,
      ClientCredentials: () => settings.access_token_life,
    },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: true },
      introspection: { enabled: true },
      userinfo: { enabled: true },
    },
  });
  provider.on('grant.success', ({ oidc, body }) => {
    seen.grants.push(oidc.params.grant_type);
    seen.issued.push(body.access_token, body.refresh_token);
  });
  const events = ['grant.error', 'revocation.error', 'introspection.error'];
  noteErrors(provider, events, (told) => seen.errors.push(told));
  return provider.callback();
}

async function control(request, response) {
  if (request.method === 'PUT') {
    let body = '';
    for await (const chunk of request) body += chunk;
    Object.assign(settings, JSON.parse(body));
  }
  answerJson(response, 200, { ...seen, ...settings });
}

let handle;
const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://127.0.0.1');
  if (pathname === '/control') {
    await control(request, response);
    return;
  }
  if (pathname === '/token/revocation') seen.revocations += 1;
  if (pathname === '/token') {
    seen.token_requests += 1;
    if (settings.token_delay_ms) await pause(settings.token_delay_ms);
    if (settings.token_status) {
      response.writeHead(settings.token_status, { 'content-type': 'text/html' });
      response.end('<html><body>The proxy is out of order.</body></html>');
      return;
    }
  }
  handle(request, response);
});

await serveUntilStdinEnds(server, (issuer) => {
  handle = startProvider(issuer);
});
