// A process that uses a token, and then has nothing to do any more.
import { openToken } from '@sealwire/pkcs11';
import { agrees } from './tokens.ts';

const { TEST_MODULE = '', TEST_PIN = '', TEST_CLOSING } = process.env;
const token = await openToken({ module: TEST_MODULE, label: 'orders', pin: TEST_PIN, sessions: 2 });
console.log(await agrees(await token.generateKemKey({ label: `closing ${TEST_CLOSING}` })));
if (TEST_CLOSING === 'yes') await token.close();
