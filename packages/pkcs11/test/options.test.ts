import type { TokenOptions } from '@sealwire/pkcs11';
import { openToken } from '@sealwire/pkcs11';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { thrown } from '../../../test/support/problems.ts';

const module = '/none/such.so';
const pin = '4711-gooseberry';

test('options that make no sense are refused by name, without the PIN', async () => {
  const wrong: [options: unknown, names: string][] = [
    [{ label: 'a', pin }, '`module`'],
    [{ module: '', label: 'a', pin }, '`module`'],
    [{ module, pin }, '`label`, `serial` and `slot`'],
    [{ module, label: 'a', slot: 1, pin }, '`label`, `serial` and `slot`'],
    [{ module, label: '', pin }, '`label`'],
    [{ module, serial: 1, pin }, '`serial`'],
    [{ module, slot: '1', pin }, '`slot`'],
    [{ module, slot: -1, pin }, '`slot`'],
    [{ module, label: 'a' }, '`pin`'],
    [undefined, '`module`'],
    [null, '`module`'],
    [{ module, label: 'a', pin: 4711 }, '`pin`'],
    [{ module, label: 'a', pin, sessions: 0 }, '`sessions`'],
    [{ module, label: 'a', pin, sessions: 65 }, '`sessions`'],
    [{ module, label: 'a', pin, sessions: 1.5 }, '`sessions`'],
  ];
  for (const [options, names] of wrong) {
    const { message } = await thrown(openToken(options as TokenOptions), 'invalid-option');
    assert.match(message, names);
    assert.not.match(message, '4711');
  }
});

test.run();
