// Loaded into every process of the operations guide: the wall clock is ahead by as many milliseconds as a file says.
import { readFileSync, watchFile } from 'node:fs';

const file = process.env.GUIDE_CLOCK;
const { now } = Date;
let ahead = 0;
const read = () => {
  ahead = Number(readFileSync(file, 'utf8'));
};

read();
watchFile(file, { interval: 50, persistent: false }, read);
Date.now = () => now() + ahead;
