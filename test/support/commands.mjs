// Commands of the checks, run in the background so that several work at a time.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Codes by which npm and pnpm say that a registry did not answer. */
const unreachable =
  /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|E50\d|ERR_SOCKET_TIMEOUT|ERR_PNPM_META_FETCH_FAIL)\b/;

/**
 * Runs a command to its end.
 * @returns what it wrote to stdout and stderr
 * @throws Error with all its output if it fails or takes longer than `limit` milliseconds
 */
export function command(file, args, { cwd, env, shell = false, limit = 120_000 } = {}) {
  return new Promise((resolve, reject) => {
    const { child, output } = start(file, args, { cwd, env, shell });
    let tooLong = false;
    const timer = setTimeout(() => {
      tooLong = true;
      child.kill('SIGKILL');
    }, limit);
    const fail = (how) =>
      reject(new Error(`${file} ${args.join(' ')}\n${how}\n${output.stdout}${output.stderr}`));
    child.on('error', (error) => fail(error.message));
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(output);
      else fail(tooLong ? `took longer than ${limit / 1000} s` : `ended with code ${code}`);
    });
  });
}

/** Node 20.19 calls WebCrypto's Ed25519 experimental whenever it is used; what else is written to stderr counts. */
const nodeOptions = ['--disable-warning=ExperimentalWarning'];

/** A script of Node. */
export function script(args, options) {
  return command(process.execPath, [...nodeOptions, ...args], options);
}

/**
 * npm or npx, with what is in its cache first.
 * @throws Error that says so if the registry cannot be reached: there is nothing to fall back to
 */
export async function npm(name, args, { cwd }) {
  const windows = process.platform === 'win32';
  const env = {
    ...process.env,
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
    npm_config_fetch_retry_mintimeout: '1000',
    npm_config_fetch_retry_maxtimeout: '5000',
  };
  try {
    // Both are batch files on Windows.
    return await command(windows ? `${name}.cmd` : name, args, { cwd, env, shell: windows });
  } catch (error) {
    const [code] = error.message.match(unreachable) ?? [];
    if (code === undefined) throw error;
    throw new Error(
      `the npm registry cannot be reached (${code}), and without it this check cannot run\n${error.message}`,
    );
  }
}

/**
 * Runs a script that serves for as long as `use` takes, which is given what `ready` returns once that is not
 * undefined. `ready` is given what the script has written so far.
 * @returns what `use` returns
 * @throws Error with the script's output if it ends, or is not ready within `limit` milliseconds
 */
export async function whileServing(args, { cwd, env, ready, limit = 20_000 }, use) {
  const { child, output } = start(process.execPath, [...nodeOptions, ...args], { cwd, env });
  const closed = new Promise((resolve) => child.on('close', resolve));
  const stopped = () => child.exitCode !== null || child.signalCode !== null;
  try {
    let answer;
    for (const end = Date.now() + limit; answer === undefined; await sleep(50)) {
      if (stopped()) throw new Error(`ended with code ${child.exitCode}`);
      if (Date.now() > end) throw new Error(`does not serve within ${limit / 1000} s`);
      answer = await ready(output.stdout);
    }
    const result = await use(answer);
    if (output.stderr !== '') throw new Error('wrote to stderr');
    return result;
  } catch (error) {
    throw new Error(`${args.join(' ')}: ${error.message}\n${output.stdout}${output.stderr}`);
  } finally {
    child.kill('SIGKILL');
    await closed;
  }
}

function start(file, args, { cwd, env, shell }) {
  const child = spawn(file, args, { cwd, env, shell, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8');
    child[name].on('data', (chunk) => {
      output[name] += chunk;
    });
  }
  return { child, output };
}
