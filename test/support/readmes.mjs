// The code of the READMEs, run as it stands there: only ports, the origin and the pin of the examples are replaced.
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { root } from '../../scripts/bootstrap.mjs';
import { whileServing } from './commands.mjs';

const { build } = createRequire(`${root}test/package.json`)('esbuild');

/** The blocks of code of every README, in their order. What is not in this list would not be tested. */
const blockNames = {
  'README.md': [
    'install.sh',
    'server.js',
    'client.js',
    'koa-server.js',
    'commands.sh',
    'key-directory.sh',
    'key-ring.js',
    'make-keys.js',
    'load-keys.js',
    'command-line.sh',
  ],
  'packages/aws-kms/README.md': ['make-keys.js', 'server.js', 'kem-key.js', 'policy.json'],
  'packages/audit/README.md': ['audit.js'],
  'packages/cli/README.md': ['command-line.sh'],
  'packages/client/README.md': ['client.js', 'client-key.js'],
  'packages/core/README.md': ['core.js'],
  'packages/express/README.md': ['server.js', 'sessions.js'],
  'packages/keys/README.md': [
    'ring.js',
    'identity.js',
    'elsewhere.js',
    'policy.js',
    'directory.js',
    'bundle.js',
    'wrapped.js',
  ],
  'packages/koa/README.md': ['server.js', 'sessions.js'],
  'packages/node/README.md': ['server.js'],
  'packages/pkcs11/README.md': ['token.js'],
  'packages/testing/README.md': ['orders.js'],
};
const exampleOrigin = 'https://api.example.com';

/**
 * @returns the blocks by README and name
 * @throws Error if a README has other blocks than those that are tested
 */
export function readReadmes() {
  const readmes = {};
  for (const [file, names] of Object.entries(blockNames)) {
    const blocks = [...readFileSync(root + file, 'utf8').matchAll(/^```(\w+)\n(.*?)^```$/gms)];
    const languages = blocks.map(([, language]) => language).join(', ');
    const expected = names.map((name) => name.split('.')[1]).join(', ');
    if (languages !== expected) {
      throw new Error(`${file} has blocks of ${languages}; those that are tested are ${names.join(', ')}`);
    }
    readmes[file] = Object.fromEntries(names.map((name, index) => [name, blocks[index][2]]));
  }
  return readmes;
}

/** The commands of the README: the scripts are there, and what it imports is what it tells to install. */
export function checkCommands(readmes, installable) {
  const blocks = readmes['README.md'];
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  for (const [, name] of blocks['commands.sh'].matchAll(/^npm (?:run )?(\w+)/gm)) {
    if (scripts[name] === undefined) throw new Error(`README.md runs "npm ${name}", which does not exist`);
  }
  const code = Object.values(blocks).join('');
  const installed = [...code.matchAll(/\bnpm install (.+)$/gm)].flatMap(([, names]) => names.split(' '));
  const imported = [...code.matchAll(/ from '([^']+)'/g)].map(([, name]) => name);
  for (const name of installed) {
    if (!installable.includes(name)) throw new Error(`README.md installs ${name}, which is not tested`);
  }
  for (const name of imported) {
    if (!installed.includes(name)) throw new Error(`README.md imports ${name} and does not install it`);
  }
}

/** Options, codes and names in the blocks are those that the types know. */
export async function typeCheckReadmes(readmes, project) {
  const files = [];
  for (const [readme, blocks] of Object.entries(readmes)) {
    for (const [name, text] of Object.entries(blocks).filter(([each]) => each.endsWith('.js'))) {
      const file = `${readme.replaceAll('/', '-')}-${name.replace('.js', '.mjs')}`;
      // Of a parsed body and a session the types say nothing, of which JavaScript takes no notice.
      project.put(
        file,
        text.replace(/\b(?:ctx\.request\.body|(?:ctx|req)\.session)\b(?! =)/g, '/** @type {any} */ ($&)'),
      );
      files.push(file);
    }
  }
  await project.typeCheck('readme', files);
}

/** Each server of the quick start with its client, then with the same client bundled for a browser. */
export async function runQuickStart(readmes, project) {
  const { 'client.js': clientText, ...blocks } = readmes['README.md'];
  for (const name of ['server.js', 'koa-server.js']) {
    const values = { 8080: String(await freePort()) };
    project.put('quick-server.mjs', replaced(blocks[name], values));
    project.put('quick-client.mjs', replaced(clientText, values));
    const ready = (output) => output.match(/^pin: (sw1\S+)$/m)?.[1];
    await whileServing(['quick-server.mjs'], { cwd: project.folder, ready }, async (pin) => {
      expectOutput(await project.run(['quick-client.mjs', pin]), promised(clientText));
      await bundle(project.folder, 'quick-client.mjs', 'quick-bundle.mjs');
      expectOutput(await project.run(['quick-bundle.mjs', pin]), promised(clientText));
      for (const readme of ['README.md', 'packages/cli/README.md'])
        await runCommandLine(readmes[readme]['command-line.sh'], values, pin, project);
    });
  }
}

/** The commands of the README with its server: each gets the answer that the client gets. */
async function runCommandLine(text, values, pin, project) {
  const lines = replaced(text, { ...values, 8081: String(await freePort()), 'sw1…': pin });
  const [own, proxy, plain] = [...lines.matchAll(/^(?:npx )?(?:sealwire|curl) (.+)$/gm)].map(([, args]) =>
    [...args.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word),
  );
  const bin = 'node_modules/sealwire/bin/sealwire.mjs';
  const answer = '{"ordered":"tea"}';
  expectOutput(await project.run([bin, ...own]), answer);
  // The address that it listens on is the default, which another process may have.
  const listen = ['--listen', new URL(plain.at(-1)).host];
  const ready = (output) => output.match(/^http:\S+/)?.[0];
  await whileServing([bin, ...proxy, ...listen], { cwd: project.folder, ready }, async () => {
    const headers = { 'content-type': 'application/json' };
    const body = plain[plain.indexOf('--json') + 1];
    const response = await fetch(plain.at(-1), { method: 'POST', headers, body });
    expectOutput(await response.text(), answer);
  });
}

/** A key directory as the README has it made: the server that opens it has the pin that was printed. */
export async function runKeyDirectory(readmes, project) {
  const { 'key-directory.sh': commands, 'key-ring.js': server } = readmes['README.md'];
  const [, passphrase] = commands.match(/> (\w+)\)$/m);
  const [, words] = commands.match(/^npx sealwire (.+)$/m);
  project.put(passphrase, 'of the key directory\n');
  chmodSync(join(project.folder, passphrase), 0o600);
  const made = await project.run(['node_modules/sealwire/bin/sealwire.mjs', ...words.split(' ')]);
  project.put('key-ring.mjs', server);
  const output = await project.run(['key-ring.mjs'], { SEALWIRE_KEYS_PASSPHRASE_FILE: passphrase });
  expectOutput(output, `pin: ${made.match(/^sw1\S+$/m)?.[0]}`);
}

/** The servers of the packages, with keys as the README makes them, and the client of its package. */
export async function runPackageReadmes(readmes, project) {
  project.put('make-keys.mjs', readmes['README.md']['make-keys.js']);
  project.put('load-keys.mjs', readmes['README.md']['load-keys.js']);
  project.put('core.mjs', readmes['packages/core/README.md']['core.js']);
  const ORDERS_KEYS = await project.run(['make-keys.mjs']);
  const [, pin] = (await project.run(['load-keys.mjs'], { ORDERS_KEYS })).match(/^pin: (sw1\S+)$/) ?? [];
  if (pin === undefined) throw new Error('the README does not load the keys that it makes');
  const core = await project.run(['core.mjs'], { ORDERS_KEYS });
  if (!core.includes(pin)) throw new Error(`the code for core wrote "${core}"`);

  project.put('orders.mjs', readmes['packages/testing/README.md']['orders.js']);
  await project.run(['orders.mjs']);

  project.put('audit.mjs', readmes['packages/audit/README.md']['audit.js']);
  expectOutput(await project.run(['audit.mjs']), 'true');

  const clientText = readmes['packages/client/README.md']['client.js'];
  for (const name of ['express', 'koa', 'node']) {
    const port = String(await freePort());
    const origin = { [exampleOrigin]: `http://localhost:${port}` };
    const serverText = readmes[`packages/${name}/README.md`]['server.js'];
    project.put(`${name}-server.mjs`, replaced(serverText, { 8080: port, ...origin }));
    project.put(`${name}-client.mjs`, replaced(clientText, { ...origin, 'sw1…': pin }));
    const env = { ...process.env, ORDERS_KEYS };
    const options = { cwd: project.folder, env, ready: () => accepts(port) };
    await whileServing([`${name}-server.mjs`], options, async () => {
      expectOutput(await project.run([`${name}-client.mjs`]), promised(clientText));
    });
  }
}

/** The servers that know their clients, with the client that has a key: it logs in and keeps its cookie. */
export async function runSessions(readmes, project) {
  const clientText = readmes['packages/client/README.md']['client-key.js'];
  for (const name of ['express', 'koa']) {
    const port = String(await freePort());
    const origin = { [exampleOrigin]: `http://localhost:${port}` };
    const secrets = { CLIENT_KEY_PASSPHRASE: 'of the client', SESSION_SECRET: 'of the server' };
    const ORDERS_KEYS = await project.run(['make-keys.mjs']);
    const [, pin] = (await project.run(['load-keys.mjs'], { ORDERS_KEYS })).match(/^pin: (sw1\S+)$/);
    const client = replaced(clientText, { ...origin, 'sw1…': pin });
    project.put(`${name}-key.mjs`, client);
    const thumbprint = await project.run([`${name}-key.mjs`], secrets);
    project.put('clients.txt', `${thumbprint} the client\n`);
    project.put(
      `${name}-session.mjs`,
      `${client}
const response = await sealedFetch('/login', { method: 'POST' });
const cookie = response.sealed.outer.getSetCookie().map((each) => each.split(';')[0]).join('; ');
console.log(await response.text());
const other = createSealedFetch({ origin: '${Object.values(origin)[0]}', identity: '${pin}' });
console.log(await other('/', { headers: { cookie } }).catch(({ code }) => code));
await sealedFetch('/lost', { method: 'POST', headers: { cookie } }).catch(() => console.log('lost'));
`,
    );
    const serverText = readmes[`packages/${name}/README.md`]['sessions.js'];
    project.put(`${name}-sessions.mjs`, replaced(serverText, { 8080: port, ...origin }));
    const env = { ...process.env, ...secrets, ORDERS_KEYS };
    const options = { cwd: project.folder, env, ready: () => accepts(port) };
    await whileServing([`${name}-sessions.mjs`], options, async () => {
      const output = await project.run([`${name}-session.mjs`], secrets);
      expectOutput(output, `${thumbprint}\n{"client":{"name":"the client"}}\nclient-refused\nlost`);
    });
  }
}

/** What the comment beside `console.log` says that a client writes. */
function promised(text) {
  const [, output] = text.match(/console\.log\(response.*\/\/ (.+)$/m) ?? [];
  if (output === undefined) throw new Error('the client of a README does not say what it writes');
  return output;
}

function expectOutput(output, expected) {
  if (output !== expected) throw new Error(`the client wrote "${output}", not "${expected}"`);
}

function replaced(text, replacements) {
  let result = text;
  for (const [from, to] of Object.entries(replacements)) {
    if (!result.includes(from)) throw new Error(`a README does not have ${from} any more`);
    result = result.replaceAll(from, to);
  }
  return result;
}

async function bundle(folder, file, outfile) {
  const { metafile } = await build({
    entryPoints: [file],
    absWorkingDir: folder,
    bundle: true,
    metafile: true,
    outfile,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  });
  if (!Object.keys(metafile.inputs).some((input) => input.endsWith('dist/crypto.web.js'))) {
    throw new Error("a bundler for browsers does not find core's WebCrypto file");
  }
}

async function freePort() {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** True if somebody listens there, else undefined. */
async function accepts(port) {
  const socket = connect(port, 'localhost');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
