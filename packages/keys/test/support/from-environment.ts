// Takes its keys from its environment, and shows what is left there.
import { storageFromEnvironment } from '../../src/environment.ts';

const storage = await storageFromEnvironment();
const entries = (await storage?.read())?.entries ?? [];
for (const entry of entries) if ((await storage?.secret(entry))?.length === 32) console.log(entry.id);
console.log(JSON.stringify(Object.keys(process.env).filter((name) => name.startsWith('SEALWIRE_KEYS'))));
