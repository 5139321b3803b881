import { SealwireError } from '@sealwire/core';

export function invalid(detail: string): SealwireError {
  return new SealwireError('invalid-option', detail);
}

/** Options by their names, those that are not there included. @throws SealwireError `invalid-option` */
export function checkOptions(options: object, names: readonly string[], where = 'The options'): void {
  // JavaScript hands over whatever it likes.
  if (typeof options !== 'object' || options === null) throw invalid(`${where}: not an object.`);
  for (const name of Object.keys(options))
    if (!names.includes(name)) throw invalid(`${where}: no \`${name}\`; there are ${names.join(', ')}.`);
}

/** @throws SealwireError `invalid-option` */
export function checkNumbers(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers))
    if (typeof value !== 'number' || !(value > 0)) throw invalid(`\`${name}\` is a number above 0.`);
}
