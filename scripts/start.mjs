// `npm start`: installs, builds, and runs the main example.
import { spawn } from 'node:child_process';
import { build, install, root } from './bootstrap.mjs';

install();
build();
const example = spawn(
  process.execPath,
  [`${root}examples/express-notes/server.mjs`, ...process.argv.slice(2)],
  {
    stdio: 'inherit',
  },
);
// Ctrl-C goes to the whole group: the example ends by itself, and this process with it.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => example.kill('SIGTERM'));
// npm dies of a signal without passing it on, and then nobody else would end the example.
const { ppid } = process;
setInterval(() => process.ppid === ppid || example.kill('SIGTERM'), 1000).unref();
example.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 0) : 1));
