// An MCP server of npm's own SDK (`@modelcontextprotocol/sdk`) with its authorization router, on a
// free port of 127.0.0.1. Everybody is alice, and consents.
//
// On stdin closed it ends. Its first line on stdout is `{"issuer": "http://127.0.0.1:PORT"}`,
// printed when it answers. Beside what the SDK serves there is `/control`: GET counts, DELETE
// forgets all clients, PUT sets `{"life": seconds}` for new tokens.
import { randomUUID } from 'node:crypto';
import express from 'express';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import {
  getOAuthProtectedResourceMetadataUrl,
  mcpAuthRouter,
} from '@modelcontextprotocol/sdk/server/auth/router.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const [clients, codes, access, refresh] = [new Map(), new Map(), new Map(), new Map()];
const seen = { registrations: 0, refreshes: 0 };
let life = 3600;

function issue(client, scopes, resource) {
  const [token, renewing] = [randomUUID(), randomUUID()];
  const expiresAt = Math.floor(Date.now() / 1000) + life;
  access.set(token, { token, clientId: client.client_id, scopes, resource, expiresAt });
  refresh.set(renewing, { clientId: client.client_id, scopes, resource });
  return {
    access_token: token,
    token_type: 'Bearer',
    expires_in: life,
    scope: scopes.join(' '),
    refresh_token: renewing,
  };
}

// All that the SDK leaves to whoever uses it, in memory.
const provider = {
  clientsStore: {
    getClient: (id) => clients.get(id),
    registerClient: (client) => {
      seen.registrations += 1;
      clients.set(client.client_id, client);
      return client;
    },
  },
  async authorize(client, params, response) {
    if (String(params.resource) !== `${issuer}/mcp`) throw new Error('another resource');
    const code = randomUUID();
    codes.set(code, { client, params });
    const answer = new URL(params.redirectUri);
    answer.searchParams.set('code', code);
    answer.searchParams.set('state', params.state);
    response.redirect(answer.href);
  },
  challengeForAuthorizationCode: async (_client, code) => codes.get(code).params.codeChallenge,
  async exchangeAuthorizationCode(client, code, _verifier, redirectUri, resource) {
    const { params } = codes.get(code);
    codes.delete(code);
    if (redirectUri !== params.redirectUri) throw new Error('another redirect URI');
    if (String(resource) !== String(params.resource)) throw new Error('another resource');
    return issue(client, params.scopes ?? [], params.resource);
  },
  async exchangeRefreshToken(client, token, scopes, resource) {
    const known = refresh.get(token);
    if (known?.clientId !== client.client_id) throw new Error('another client');
    if (String(resource) !== String(known.resource)) throw new Error('another resource');
    seen.refreshes += 1;
    refresh.delete(token);
    return issue(client, scopes ?? known.scopes, known.resource);
  },
  async verifyAccessToken(token) {
    const known = access.get(token);
    if (!known) throw new InvalidTokenError('unknown');
    return known;
  },
  async revokeToken(_client, { token }) {
    access.delete(token);
    refresh.delete(token);
  },
};

const app = express();
const listening = app.listen(0, '127.0.0.1');
await new Promise((resolve) => listening.once('listening', resolve));
const issuer = `http://127.0.0.1:${listening.address().port}`;
const resource = new URL(`${issuer}/mcp`);
app.use(
  mcpAuthRouter({
    provider,
    issuerUrl: new URL(issuer),
    resourceServerUrl: resource,
    scopesSupported: ['read', 'write'],
  }),
);
const bearer = requireBearerAuth({
  verifier: provider,
  requiredScopes: ['read'],
  resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
});
app.use('/mcp', bearer);
app.post('/mcp', express.json(), async (request, response) => {
  const server = new McpServer({ name: 'made up', version: '1' });
  server.registerTool('whoami', { description: 'Who is it?' }, () => ({
    content: [{ type: 'text', text: 'alice' }],
  }));
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});
app.get('/mcp', (_request, response) => response.status(405).end());
app.use('/control', express.json(), (request, response) => {
  if (request.method === 'DELETE') clients.clear();
  if (request.method === 'PUT') life = request.body.life;
  response.json({ ...seen, clients: clients.size, tokens: [...access.keys()] });
});

console.log(JSON.stringify({ issuer }));
process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
