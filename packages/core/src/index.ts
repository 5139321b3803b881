export {
  type AeadKey,
  aeadOpen,
  aeadSeal,
  importAeadKey,
  type MasterKey,
  randomBytes,
  randomNonce,
} from '#crypto';
export { isSupported } from '#hpke';
export type {
  AuditEvent,
  AuditEvents,
  AuditEventType,
  AuditSink,
  KeyOperation,
  KeyPurpose,
} from './audit.ts';
export { decodeBase64Url, encodeBase64Url } from './base64url.ts';
export { burnEarlier } from './burning.ts';
export { concat, copyOf, fromUtf8, utf8 } from './bytes.ts';
export {
  type Configuration,
  type ConfigurationCheck,
  type ConfigurationTrust,
  checkTimes,
  clockTolerance,
  configurationPath,
  configurationType,
  defaultHandshakePath,
  maxConfigurationLength,
  openConfiguration,
  readUnverified,
  signConfiguration,
  type UsableKey,
  usableKeys,
  verifyConfiguration,
} from './configuration.ts';
export { declaredLength, LengthCounter } from './declared-length.ts';
export { errorCodes, isErrorCode } from './error-codes.ts';
export {
  type ErrorCode,
  isSealwireError,
  rejected,
  SealwireError,
  statusOf,
  textOf,
} from './errors.ts';
export {
  formatSealwireHeader,
  maxHeaderMessage,
  messageNonceLength,
  messageType,
  parseSealwireHeader,
  type SealwireHeader,
} from './exchange.ts';
export {
  FieldSet,
  isOuterRequestField,
  isOuterResponseField,
  parseFieldList,
  sealedRequestFields,
} from './fields.ts';
export { handshakeType, maxHandshakeLength } from './handshake.ts';
export { beginHandshake, type ClientSession, type PendingHandshake } from './handshake-client.ts';
export { answerHandshake, type HandshakeNotes, type HandshakeOptions } from './handshake-server.ts';
export {
  decodeFieldSection,
  decodeRequestHead,
  decodeResponseHead,
  encodeFieldSection,
  encodeRequestHead,
  encodeResponseHead,
  type Field,
  headLength,
  maxHeadLength,
  type RequestHead,
  type ResponseHead,
  reasonField,
  usualReason,
} from './head.ts';
export { formatPin, parsePin } from './identity.ts';
export type { KemPrivateKey } from './kem-private-key.ts';
export { MemorySessionStore, type MemorySessionStoreOptions } from './memory-store.ts';
export { type MessageKeys, requestKeys, responseKeys } from './message-keys.ts';
export type { Maybe } from './primitives.ts';
export { problemCode, problemOf, problemType } from './problem.ts';
export {
  type Frame,
  maxRecordPlaintext,
  type RecordKind,
  RecordReader,
  RecordWriter,
  recordOverhead,
} from './records.ts';
export {
  type ExchangeName,
  importRepeatKey,
  maxResends,
  type Repeat,
  readRepeats,
  repeatField,
  repeatKeyBytes,
  repeatValue,
} from './repeat.ts';
export type { ConfigurationKey, ConfigurationPayload } from './schemas.ts';
export { generateKemKey, importKemKey, remoteKemKey, type ServerKemKey } from './server-kem-key.ts';
export {
  type Acceptance,
  type Burning,
  maxExchanges,
  type Revoked,
  type Session,
  type SessionInfo,
  type SessionStore,
  storeTimeLimit,
  windowSize,
} from './session-store.ts';
export {
  generateEd25519,
  generateSigner,
  generateSigningKey,
  importEd25519,
  isThumbprint,
  type SignatureAlgorithm,
  type Signer,
  type SigningKey,
  signerOf,
  thumbprint,
  verifySignature,
} from './signatures.ts';
export {
  type ConfigurationSubject,
  type PublishedConfiguration,
  type ServerKeys,
  StaticKeys,
} from './static-keys.ts';
export { type Suite, type SuiteName, suiteById, suiteByKem, suiteByName, suites } from './suites.ts';
export {
  isSafeMethod,
  isSoundTarget,
  outerMethod,
  type Target,
  targetDifference,
  withoutPrefix,
} from './target.ts';
export { withinLimit } from './time-limit.ts';
