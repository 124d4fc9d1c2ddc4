// How a server of the tests begins, and how it ends.

export function answerJson(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

// Serves on a free port of 127.0.0.1 until stdin is closed. `begin` gets the origin, and may return
// what the first line on stdout is to be, as JSON; else that is `{"issuer": "<the origin>"}`.
export async function serveUntilStdinEnds(server, begin, origin = 'http://127.0.0.1') {
  process.stdin.on('end', () => process.exit(0)).resume();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `${origin}:${server.address().port}`;
  const told = await begin(issuer);
  console.log(JSON.stringify(told ?? { issuer }));
}
