// Records events until it is killed, and says after each flush how many are kept.
import { logKey, openLog, sampleEvent } from '../../../../test/support/audit.ts';

const [path = '', key = ''] = process.argv.slice(2);
logKey.set(Buffer.from(key, 'hex'));
const sink = await openLog(path, { rotate: { bytes: 20_000 }, checkpoints: { lines: 20 } });
for (let number = 0; ; number++) {
  sink.record(sampleEvent(number));
  if (number % 10 !== 9) continue;
  await sink.flush();
  process.stdout.write(`${number + 1}\n`);
}
