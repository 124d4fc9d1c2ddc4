// A certified OpenID provider (npm `oidc-provider`) for tests, with everything in memory.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';

// What oidc-provider warns about (development pages, storage in memory) is wanted here.
console.info = () => {};
console.warn = () => {};

function signingKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' };
}

// Strict as services in the wild are: PKCE with S256 only, and refresh tokens that rotate, of which a
// spent one ends its grant. `settings` stand above that; `ttl` and `features` are merged.
export function makeProvider(issuer, { ttl, features, ...settings }) {
  return new Provider(issuer, {
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    // Fifteen seconds by default, for which an expired token would live on.
    clockTolerance: 0,
    scopes: ['openid', 'email', 'offline_access'],
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    ...settings,
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 60,
      ClientCredentials: 3600,
      DeviceCode: 600,
      Grant: 3600,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 3600,
      Session: 3600,
      ...ttl,
    },
    features: { revocation: { enabled: true }, ...features },
  });
}

// Gives each of these events of `provider` that is an error to `note`, in words.
export function noteErrors(provider, events, note) {
  for (const event of [...events, 'server_error']) {
    provider.on(event, (_ctx, error) =>
      note(`${event}: ${error.message} ${error.error_description ?? ''}`.trim()),
    );
  }
}
