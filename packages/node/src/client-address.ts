import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * The address that a request is counted for: of the connection, or behind `proxies` trusted proxies of the entry that
 * the outermost of them wrote. What stands further left in the header, anyone may have written.
 */
export function clientAddress(req: IncomingMessage, proxies: number): string {
  const direct = req.socket.remoteAddress ?? '';
  if (proxies === 0) return network(direct);
  const entries = String(req.headers['x-forwarded-for'] ?? '').split(',');
  const entry = entries.at(-proxies)?.trim() ?? '';
  return network(isIP(entry) === 0 ? direct : entry);
}

/** Who has one address of IPv6 has the 2^64 of its network. */
function network(address: string): string {
  if (isIP(address) !== 6) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] as string;
  const [head = '', tail] = address.split('%', 1)[0]?.toLowerCase().split('::') ?? [];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::`;
}
