import { readFileSync } from 'node:fs';
import { vectorsFolder } from '../../../../test/support/needs.ts';

/** The JSON of a vector file. Call it inside a test: the folder is not on every machine. */
export function readVectors<T>(file: string): T {
  return JSON.parse(readFileSync(`${vectorsFolder}/${file}`, 'utf8')) as T;
}

export interface WycheproofCase {
  readonly tcId: number;
  readonly comment?: string;
  readonly flags?: readonly string[];
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

/** Every case of a Wycheproof file, with what its group says about it. */
export function readWycheproof<Case, Group = object>(file: string): (Case & Group & WycheproofCase)[] {
  const { testGroups } = readVectors<{ testGroups: (Group & { tests: (Case & WycheproofCase)[] })[] }>(
    `wycheproof/${file}`,
  );
  return testGroups.flatMap(({ tests, ...group }) => tests.map((each) => ({ ...(group as Group), ...each })));
}

export function hex(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
