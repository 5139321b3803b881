import {
  type ConfigurationPayload,
  defaultHandshakePath,
  encodeBase64Url,
  formatPin,
  generateSigner,
  type KemPrivateKey,
  remoteKemKey,
  type ServerKemKey,
  type ServerKeys,
  signConfiguration,
} from '@sealwire/core';

const day = 24 * 3_600_000;

/** The keys of a server that has one KEM key, kept elsewhere; what opening a handshake throws goes to `failures`. */
export async function remoteKeys(remote: KemPrivateKey): Promise<ServerKeys & { failures: unknown[] }> {
  const identity = await generateSigner('Ed25519');
  const failures: unknown[] = [];
  const { pairFor, ...rest } = await remoteKemKey(remote);
  const key: ServerKemKey = {
    ...rest,
    async pairFor(enc) {
      try {
        return await pairFor(enc);
      } catch (error) {
        failures.push(error);
        throw error;
      }
    },
  };
  const { kid, suite, pub } = key;
  return {
    failures,
    pins: [formatPin(identity.pub)],
    findKey: (wanted) => (wanted === kid ? key : undefined),
    async publish({ aud, fields }, now) {
      const times = { nbf: now, exp: now + day };
      const published = { kid, kem: suite.kem, pub: encodeBase64Url(pub), suites: [suite.id], ...times };
      const payload: ConfigurationPayload = {
        v: 1,
        aud: [...aud],
        seq: now,
        iat: now,
        exp: now + day,
        handshake: defaultHandshakePath,
        fields: [...fields],
        keys: [published],
      };
      return { body: await signConfiguration(payload, [identity]), maxAge: 0 };
    },
  };
}
