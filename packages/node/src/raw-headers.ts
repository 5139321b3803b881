import { messageType } from '@sealwire/core';

/** What of a request's outer headers decides how it is read, taken in one pass over `rawHeaders`. */
export interface OuterHeaders {
  /** The `Sealwire` header. */
  readonly sealwire: string | undefined;
  /** True if a header that must stand once stands more often, or the sealed type has a Content-Encoding. */
  readonly ambiguous: boolean;
  /** True if the content type is that of a sealed message. */
  readonly sealedType: boolean;
  readonly contentLength: string | undefined;
  readonly transferEncoding: boolean;
  readonly expectContinue: boolean;
}

export function readOuterHeaders(rawHeaders: readonly string[]): OuterHeaders {
  let sealwire: string | undefined;
  let contentType: string | undefined;
  let sealedType = false;
  let contentLength: string | undefined;
  let transferEncoding = false;
  let contentEncoding = false;
  let expectContinue = false;
  let repeated = false;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    // Most names are told apart by their length alone.
    switch (name.length) {
      case 6:
        expectContinue ||=
          name.toLowerCase() === 'expect' && /100-continue/i.test(rawHeaders[i + 1] as string);
        break;
      case 8:
        if (name.toLowerCase() !== 'sealwire') break;
        repeated ||= sealwire !== undefined;
        sealwire = rawHeaders[i + 1] as string;
        break;
      case 12:
        if (name.toLowerCase() !== 'content-type') break;
        repeated ||= contentType !== undefined;
        contentType = rawHeaders[i + 1] as string;
        sealedType ||= isSealedType(contentType);
        break;
      case 14:
        if (name.toLowerCase() !== 'content-length') break;
        repeated ||= contentLength !== undefined;
        contentLength = rawHeaders[i + 1] as string;
        break;
      case 16:
        contentEncoding ||= name.toLowerCase() === 'content-encoding';
        break;
      case 17:
        transferEncoding ||= name.toLowerCase() === 'transfer-encoding';
        break;
    }
  }
  return {
    sealwire,
    ambiguous: repeated || (sealedType && (contentEncoding || contentType !== messageType)),
    sealedType,
    contentLength,
    transferEncoding,
    expectContinue,
  };
}

/** Also with other case or parameters, which are then refused: such a request must not pass as plaintext. */
function isSealedType(contentType: string): boolean {
  return contentType === messageType || /^\s*application\/vnd\.sealwire\s*(?:;|$)/i.test(contentType);
}
