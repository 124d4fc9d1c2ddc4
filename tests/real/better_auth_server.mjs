// better-auth as an authorization server (npm `better-auth`, `@better-auth/oauth-provider`), on a free
// port of 127.0.0.1, with an MCP resource at `/mcp`. Whoever comes is alice, and consents.
//
// On stdin closed it ends. Its first line on stdout is JSON with its issuer, which has a path, and the
// clients that it made: {"issuer": …, "clients": {"native": {"id": …}, "basic": {"id": …, "secret": …}}}.
// It registers clients that it has never seen. `GET /control` counts the clients, and
// `DELETE /control?table=NAME` empties a table, such as `oauthClient`.
import { createServer } from 'node:http';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { getAuthTables } from 'better-auth/db';
import { toNodeHandler } from 'better-auth/node';
import { verifyBearerToken } from 'better-auth/oauth2';
import { jwt } from 'better-auth/plugins';
import {
  oauthDeviceAuthorization,
  oauthProvider,
  oauthProviderAuthServerMetadata,
  oauthProviderOpenIdConfigMetadata,
} from '@better-auth/oauth-provider';
import { answerJson, serveUntilStdinEnds } from './serving.mjs';

const ALICE = { email: 'alice@example.com', password: 'made-up-password' };
const CODE = ['authorization_code', 'refresh_token'];
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

function startAuth(origin) {
  const options = {
    baseURL: origin,
    secret: 'made-up-secret-of-more-than-32-characters',
    database: memoryAdapter(tables),
    emailAndPassword: { enabled: true },
    rateLimit: { enabled: false },
    logger: { disabled: true },
    telemetry: { enabled: false },
    plugins: [
      jwt(),
      oauthProvider({
        loginPage: '/login',
        consentPage: '/consent',
        scopes: ['openid', 'email', 'offline_access', 'read'],
        resources: [`${origin}/mcp`],
        enforcePerClientResources: false,
        clientPrivileges: () => true,
        allowDynamicClientRegistration: true,
        allowUnauthenticatedClientRegistration: true,
      }),
      oauthDeviceAuthorization({ verificationUri: '/device', interval: '1s' }),
    ],
  };
  for (const { modelName } of Object.values(getAuthTables(options))) tables[modelName] = [];
  return betterAuth(options);
}

const tables = {};
let auth;
let origin;
let session;

// What fetch takes of a request of Node's.
const asFetched = (request) => new Request(new URL(request.url, origin), { headers: request.headers });

async function logIn(response, { search }) {
  const signed = await auth.api.signInEmail({ body: ALICE, asResponse: true });
  response.writeHead(302, {
    'set-cookie': signed.headers.getSetCookie(),
    location: `/api/auth/oauth2/authorize${search}`,
  });
  response.end();
}

// Asks better-auth as a page of its own would.
async function post(path, body, headers) {
  const answered = await auth.handler(
    new Request(`${origin}/api/auth/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin, ...headers },
      body: JSON.stringify(body),
    }),
  );
  const answer = await answered.json();
  if (!answered.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return answer;
}

async function consent(request, response, { search }) {
  const { cookie } = request.headers;
  const given = { accept: true, oauth_query: search.slice(1) };
  const { url } = await post('oauth2/consent', given, { cookie });
  response.writeHead(302, { location: url }).end();
}

async function approveDevice(response, { searchParams }) {
  const headers = new Headers({ cookie: session, origin });
  const userCode = searchParams.get('user_code');
  await auth.api.deviceVerify({ query: { user_code: userCode }, headers });
  await auth.api.deviceApprove({ body: { userCode }, headers });
  response.end('approved');
}

async function serveResource(request, response) {
  const token = request.headers.authorization?.match(/^Bearer (.+)$/)?.[1];
  const claims = token && (await claimsOf(token));
  if (!claims) {
    const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
    const challenge = `Bearer resource_metadata="${metadata}"`;
    return answerJson(response, 401, {}, { 'www-authenticate': challenge });
  }
  return answerJson(response, 200, { who: 'alice', scope: claims.scope });
}

// Of a token for the resource, which is a JWT; undefined of any other.
async function claimsOf(token) {
  const issuer = `${origin}/api/auth`;
  const verifyOptions = { issuer, audience: `${origin}/mcp` };
  try {
    return await verifyBearerToken(token, { verifyOptions, jwksUrl: `${issuer}/jwks` });
  } catch {
    return undefined;
  }
}

function control(request, response, { searchParams }) {
  if (request.method === 'DELETE') tables[searchParams.get('table')].length = 0;
  answerJson(response, 200, { clients: tables.oauthClient.length });
}

async function passOn(answer, response) {
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(Buffer.from(await answer.arrayBuffer()));
}

async function answer(request, response) {
  const url = new URL(request.url, origin);
  switch (url.pathname) {
    case '/login':
      return logIn(response, url);
    case '/consent':
      return consent(request, response, url);
    case '/device':
      return approveDevice(response, url);
    case '/control':
      return control(request, response, url);
    case '/mcp':
      return serveResource(request, response);
    case '/.well-known/oauth-protected-resource/mcp':
      return answerJson(response, 200, {
        resource: `${origin}/mcp`,
        authorization_servers: [`${origin}/api/auth`],
        scopes_supported: ['read'],
      });
    case '/.well-known/oauth-authorization-server/api/auth':
      return passOn(await oauthProviderAuthServerMetadata(auth)(asFetched(request)), response);
    case '/api/auth/.well-known/openid-configuration':
      return passOn(await oauthProviderOpenIdConfigMetadata(auth)(asFetched(request)), response);
    default:
      return toNodeHandler(auth)(request, response);
  }
}

const CLIENTS = {
  native: { method: 'none', grants: ['authorization_code', 'refresh_token', DEVICE] },
  basic: { method: 'client_secret_basic', grants: [...CODE, DEVICE, 'client_credentials'] },
  post: { method: 'client_secret_post', grants: [...CODE, 'client_credentials'] },
};

async function makeClients() {
  const made = {};
  for (const [name, { method, grants }] of Object.entries(CLIENTS)) {
    const forItself = grants.includes('client_credentials');
    const { client_id: id, client_secret: secret } = await auth.api.adminCreateOAuthClient({
      body: {
        application_type: 'native',
        client_name: name,
        // Any port of the loopback matches (RFC 8252 §7.3).
        redirect_uris: ['http://127.0.0.1/callback/acme'],
        scope: 'openid email offline_access read',
        grant_types: grants,
        response_types: ['code'],
        token_endpoint_auth_method: method,
        ...(forItself ? { client_credentials_scopes: ['read'] } : {}),
      },
      headers: new Headers({ cookie: session, origin }),
    });
    made[name] = { id, secret };
  }
  return made;
}

const server = createServer((request, response) =>
  answer(request, response).catch((error) => {
    console.error(error);
    answerJson(response, 500, { error: 'server_error', error_description: String(error) });
  }),
);

await serveUntilStdinEnds(server, async (own) => {
  origin = own;
  auth = startAuth(origin);
  await auth.api.signUpEmail({ body: { ...ALICE, name: 'Alice' } });
  const signed = await auth.api.signInEmail({ body: ALICE, asResponse: true });
  session = signed.headers.getSetCookie().map((cookie) => cookie.split(';')[0]).join('; ');
  return { issuer: `${origin}/api/auth`, clients: await makeClients() };
});
