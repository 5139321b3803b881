import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const blockLength = 512;

/** The files of an npm tarball by their path below `package/`. */
export function readTarball(path) {
  const bytes = gunzipSync(readFileSync(path));
  const files = new Map();
  for (let at = 0; at + blockLength <= bytes.length && bytes[at] !== 0; ) {
    const name = joined(text(bytes, at + 345, 155), text(bytes, at, 100));
    const length = Number.parseInt(text(bytes, at + 124, 12), 8);
    const type = text(bytes, at + 156, 1);
    at += blockLength;
    // An extended header, for names that these fields cannot hold, is something that no package here needs.
    if (type !== '0' && type !== '') throw new Error(`${path}: ${name} is not a plain file`);
    files.set(name.replace(/^package\//, ''), bytes.subarray(at, at + length));
    at += Math.ceil(length / blockLength) * blockLength;
  }
  return files;
}

function text(bytes, start, length) {
  return bytes.toString('utf8', start, start + length).replace(/\0.*$/s, '');
}

function joined(prefix, name) {
  return prefix === '' ? name : `${prefix}/${name}`;
}
