// Makes the server's keys, unless there are some: the server reads the first line of the file, Vite builds the second
// into the page.
import { writeFileSync } from 'node:fs';
import { StaticKeys } from '@sealwire/express';

const exported = await StaticKeys.generateExported();
const [pin] = (await StaticKeys.import(exported)).pins;
const file = new URL('.env.local', import.meta.url);
try {
  // Vite shows a page only what begins with VITE_. Git ignores the file, and only its owner may read it.
  const lines = `ORDERS_KEYS='${exported}'\nVITE_ORDERS_PIN=${pin}\n`;
  writeFileSync(file, lines, { flag: 'wx', mode: 0o600 });
  console.log(`Made .env.local. The pin is ${pin}`);
} catch (error) {
  if (error.code !== 'EEXIST') throw error;
}
