// An authorization server that gives everybody tokens, refreshes after 50 ms; it judges nothing.
// For what is measured, where a server must cost less than tokctl does.
import http from 'node:http';

import { serveUntilStdinEnds } from './serving.mjs';

const LATENCY = 50;
let issued = 0;

const tokens = (life) => {
  issued += 1;
  return JSON.stringify({
    access_token: `access-${issued}`, refresh_token: `refresh-${issued}`,
    token_type: 'Bearer', expires_in: life,
  });
};

const answer = (response, body) => {
  response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
  response.end(body);
};

const server = http.createServer((request, response) => {
  if (request.method === 'GET') {
    const asked = new URL(request.url, 'http://127.0.0.1').searchParams;
    const back = new URL(asked.get('redirect_uri'));
    back.search = new URLSearchParams({ code: 'made-up-code', state: asked.get('state') });
    response.writeHead(302, { location: back.href }).end();
    return;
  }
  let body = '';
  request.on('data', (chunk) => { body += chunk; });
  request.on('end', () => {
    if (body.includes('grant_type=refresh_token')) {
      setTimeout(() => answer(response, tokens(3600)), LATENCY);
    } else {
      answer(response, tokens(0));
    }
  });
});
await serveUntilStdinEnds(server, () => undefined);
