/** They are about one connection (RFC 9110, section 7.6.1), or frame a message. */
const ofConnections = new Set([
  'connection',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** True for a field that a gateway does not pass on. */
export function isOfConnection(name: string): boolean {
  return ofConnections.has(name);
}
