/** PEM (RFC 7468, strict form): 64 characters in a line, nothing before or behind. */
export function encodePem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `${[`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join('\n')}\n`;
}

/** Label and bytes of a text that is strict PEM; undefined for any other. */
export function decodePem(text: string): { label: string; bytes: Buffer } | undefined {
  const [, label, body] = text.match(/^-----BEGIN ([A-Z0-9 ]+)-----\n([A-Za-z0-9+/=\n]*)-----END /) ?? [];
  if (label === undefined || body === undefined) return undefined;
  const bytes = Buffer.from(body, 'base64');
  return encodePem(label, bytes) === text ? { label, bytes } : undefined;
}
