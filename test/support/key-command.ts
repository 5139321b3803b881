// A process that does one thing to the keys of a directory, as an operator or a scheduled job does, and tells their status.
import { KeyRing, openKeyDirectory } from '@sealwire/keys';
import { isSecret, secretStorage } from './recording.ts';

const { KEYS_FOLDER = '', KEYS_PASSPHRASE = '', ROTATION = '{}' } = process.env;
const [command, id = ''] = process.argv.slice(2);
isSecret(KEYS_PASSPHRASE);
const storage = secretStorage(await openKeyDirectory(KEYS_FOLDER, { passphrase: KEYS_PASSPHRASE }));
const ring = await KeyRing.open(storage, { rotation: JSON.parse(ROTATION), actor: 'operator' });
if (command === 'emergency') await ring.emergency(id);
else await ring.rotate();
ring.close();
console.log(JSON.stringify(ring.entries));
