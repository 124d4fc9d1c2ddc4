// A certified OpenID provider (npm `oidc-provider`) as an enterprise sets one up: requests have to
// be pushed, clients prove themselves with a key or a certificate, and tokens are bound to the
// certificate. Whoever comes with a browser is alice, and consents.
//
// It serves TLS on a free port of 127.0.0.1 with the certificate and key named as arguments; the
// third argument is the authority of client certificates, the fourth a JSON list of clients. On
// stdin closed it ends. Its first line on stdout is `{"issuer": "https://localhost:PORT"}`.
import { createServer } from 'node:https';
import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { makeProvider } from './provider.mjs';
import { serveUntilStdinEnds } from './serving.mjs';

const [certificate, key, authority, clients] = process.argv.slice(2).map((file) => readFileSync(file, 'utf8'));

function peer(ctx) {
  const found = ctx.socket.getPeerX509Certificate?.();
  return found ? new X509Certificate(found.raw) : undefined;
}

function startProvider(issuer) {
  const provider = makeProvider(issuer, {
    clients: JSON.parse(clients),
    clientAuthMethods: ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth', 'none'],
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    enabledJWA: {
      clientAuthSigningAlgValues: ['PS256', 'ES256', 'EdDSA', 'Ed25519'],
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      userinfo: { enabled: true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        selfSignedTlsClientAuth: true,
        tlsClientAuth: true,
        getCertificate: (ctx) => peer(ctx),
        certificateAuthorized: (ctx) => ctx.socket.authorized,
        certificateSubjectMatches: (ctx, property, expected) =>
          property === 'tls_client_auth_subject_dn' && peer(ctx)?.subject === expected,
      },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  });
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next();
    const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
    if (prompt.name === 'login') {
      return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: 'alice' } });
    }
    const grant = grantId
      ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    const id = await grant.save();
    return provider.interactionFinished(ctx.req, ctx.res, { consent: { grantId: id } }, { mergeWithLastSubmission: true });
  });
  return provider.callback();
}

let handle;
const options = { cert: certificate, key, ca: authority, requestCert: true, rejectUnauthorized: false };
const server = createServer(options, (request, response) => handle(request, response));

await serveUntilStdinEnds(
  server,
  (issuer) => {
    handle = startProvider(issuer);
  },
  'https://localhost',
);
