import { rejected, SealwireError } from './errors.ts';
import type { Field } from './head.ts';

const lengthForm = /^(?:0|[1-9][0-9]{0,15})$/;

/**
 * The `content-length` of a sealed head.
 * @throws SealwireError `rejected` if it is not canonical or stands more than once
 */
export function declaredLength(fields: readonly Field[]): number | undefined {
  let declared: number | undefined;
  for (const [name, value] of fields) {
    if (name !== 'content-length') continue;
    if (declared !== undefined || !lengthForm.test(value)) throw rejected();
    declared = Number(value);
  }
  return declared;
}

/** Counts the bytes of a body against the length that its head declared. */
export class LengthCounter {
  readonly #declared: number | undefined;
  #count = 0;

  constructor(declared: number | undefined) {
    this.#declared = declared;
  }

  /** @throws SealwireError `rejected` for more than was declared */
  add(length: number): void {
    this.#count += length;
    if (this.#declared !== undefined && this.#count > this.#declared) throw rejected();
  }

  /** @throws SealwireError `truncated` for less than was declared */
  end(): void {
    if (this.#declared !== undefined && this.#count !== this.#declared) throw new SealwireError('truncated');
  }
}
