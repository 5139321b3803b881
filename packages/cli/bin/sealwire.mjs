#!/usr/bin/env node
import { main } from 'sealwire';

// `sealwire … | head -1` is content with less. What was to be done is done, whoever reads what is said of it.
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`sealwire: output: ${error.message}.\n`);
  process.exitCode ||= 1;
});
const code = await main(process.argv.slice(2));
process.exitCode ||= code;
