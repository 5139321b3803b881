import {
  type ConfigurationKey,
  encodeBase64Url,
  formatPin,
  generateSigner,
  type KemPrivateKey,
  remoteKemKey,
  type ServerKeys,
  signConfiguration,
} from '@sealwire/core';

/** Keys of a server whose only KEM key is kept elsewhere. The identity is made for the test. */
export async function keysWith(remote: KemPrivateKey): Promise<ServerKeys> {
  const identity = await generateSigner('Ed25519');
  const key = await remoteKemKey(remote);
  const { kid, suite, pub } = key;
  return {
    pins: [formatPin(identity.pub)],
    findKey: (wanted) => (wanted === kid ? key : undefined),
    async publish({ aud, fields }, now) {
      const times = { nbf: now, exp: now + 3_600_000 };
      const published: ConfigurationKey = {
        kid,
        kem: suite.kem,
        pub: encodeBase64Url(pub),
        suites: [suite.id],
        ...times,
      };
      const body = await signConfiguration(
        {
          v: 1,
          aud: [...aud],
          seq: now,
          iat: now,
          exp: times.exp,
          handshake: '/.well-known/sealwire/handshake',
          fields: [...fields],
          keys: [published],
        },
        [identity],
      );
      return { body, maxAge: 60_000 };
    },
  };
}
