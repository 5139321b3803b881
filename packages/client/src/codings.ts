import { SealwireError } from '@sealwire/core';

/** The content codings that every platform undoes, by the platform's name for each. */
const formats: Record<string, string> = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
};

/** True if the platform can undo this content coding. */
export function isDecodable(coding: string): boolean {
  try {
    decompression(coding);
    return true;
  } catch {
    return false;
  }
}

/** @throws TypeError for a coding that the platform does not know */
export function decompression(
  coding: string,
): ReadableWritablePair<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const format = Object.hasOwn(formats, coding) ? formats[coding] : undefined;
  return new DecompressionStream(format as CompressionFormat) as ReadableWritablePair<
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>
  >;
}

/** What a body was encoded with, in the order in which that was done. */
export function contentCodings(headers: Headers): string[] {
  return elements(headers.get('content-encoding') ?? '').filter((coding) => coding !== 'identity');
}

/**
 * The codings that a caller accepts, without those that this client could not undo: unlike the platform's fetch, which
 * gets what was sealed, it has no others. `*` stands for those that it can.
 */
export function acceptedCodings(value: string): string {
  const wanted = elements(value).map((element) => {
    const [coding = '', ...parameters] = element.split(';').map((part) => part.trim());
    return { coding, weight: parameters.map((parameter) => `;${parameter}`).join('') };
  });
  const kept: string[] = [];
  for (const { coding, weight } of wanted) {
    if (coding === 'identity' || isDecodable(coding) || /^;q=0(?:\.0*)?$/.test(weight))
      kept.push(coding + weight);
    else if (coding === '*') {
      for (const each of ['gzip', 'deflate']) {
        if (!wanted.some((other) => other.coding === each)) kept.push(each + weight);
      }
    }
  }
  return kept.join(', ') || 'identity';
}

export function undecodable(coding: string): SealwireError {
  return new SealwireError('encoding-unknown', `It is "${coding}".`);
}

function elements(list: string): string[] {
  return list
    .toLowerCase()
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '');
}
