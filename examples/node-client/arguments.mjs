// What the command line and the environment say.

/**
 * @param {string[]} args `[url] [pin]`, in this order or the other
 * @param {Record<string, string | undefined>} env `SEALWIRE_PIN`, where no argument gives the pin
 * @returns {{ origin: string, pin: string | undefined }}
 */
export function readArguments(args, env) {
  const pins = args.filter((arg) => arg.startsWith('sw1'));
  const urls = args.filter((arg) => !arg.startsWith('sw1'));
  if (pins.length > 1 || urls.length > 1 || urls[0]?.startsWith('-')) throw new Error(usage);
  const [url = 'http://localhost:3000'] = urls;
  // A pin from the environment may be empty, which is none.
  return { origin: originOf(url), pin: pins[0] ?? (env.SEALWIRE_PIN || undefined) };
}

const usage = 'Usage: node client.mjs [http://localhost:3000] [pin]';

/** A URL as it is copied from a browser has a path, if only "/". */
function originOf(url) {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new Error(`${JSON.stringify(url)} is neither a URL nor a pin. ${usage}`);
  }
  return new URL(url).origin;
}
