import * as assert from 'uvu/assert';
import { everythingShown, leak } from '../../../core/test/support/leaks.ts';
import { refusal } from '../../../core/test/support/refusal.ts';

/** Refused as keys are: the error names the place and the problem, a remedy follows, and it shows no secret. */
export async function assertRefused(
  action: () => unknown,
  place: string,
  problem: RegExp,
  secrets: readonly Uint8Array[] = [],
): Promise<void> {
  const error = await refusal(action);
  assert.is(error.code, 'keys-invalid');
  assert.ok(error.message.includes(place), `"${error.message}" names ${place}`);
  assert.match(error.message, problem);
  assert.match(error.message, /cannot be used\. .+\. [A-Z].+\.?$/s);
  for (const secret of secrets) assert.is(leak(everythingShown(error), secret), undefined);
}
