import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { answerLimit } from '../config/fetched.ts';
import type { Findings } from './finding.ts';

const day = 86_400_000;
/** A certificate that ends earlier should have been renewed by now, in days. */
const renewalDays = 14;

/** How TLS looks from here: who ends it is not who opens seals, but it keeps everyone else out. */
export async function* checkTls(origin: string, address: URL, ca: Buffer | undefined): Findings {
  const check = 'TLS';
  if (address.protocol !== 'https:') {
    const { hostname } = new URL(origin);
    const local = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
    const text = 'There is none: names, sizes and everything outside the seal are open to all.';
    yield local
      ? { check, level: 'note', text: 'There is none, as is usual on this machine.' }
      : {
          check,
          level: 'problem',
          text,
          remedy: 'Browsers offer no cryptography to such a page. Use https.',
        };
    return;
  }
  let socket: TLSSocket;
  try {
    socket = await secured(origin, address, ca);
  } catch (error) {
    const text = (error as Error).message;
    yield { check, level: 'problem', text, remedy: 'See the address, the port, and whether a proxy is up.' };
    return;
  }
  const { authorized, authorizationError } = socket;
  const protocol = socket.getProtocol();
  const { valid_to: validTo } = socket.getPeerCertificate();
  socket.destroy();
  if (!authorized) {
    const text = `The certificate is not valid here: ${authorizationError}.`;
    yield {
      check,
      level: 'problem',
      text,
      remedy: 'Mend it; for an authority of your own, say --cacert FILE.',
    };
    return;
  }
  const days = Math.floor((Date.parse(validTo) - Date.now()) / day);
  yield days < renewalDays
    ? { check, level: 'warning', text: `The certificate ends in ${days} days.`, remedy: 'Renew it.' }
    : { check, level: 'ok', text: `${protocol}, certificate for ${days} more days.` };
  if (protocol !== 'TLSv1.3')
    yield {
      check,
      level: 'warning',
      text: `It speaks ${protocol}.`,
      remedy: 'Let whatever ends TLS offer TLS 1.3.',
    };
}

function secured(origin: string, address: URL, ca: Buffer | undefined): Promise<TLSSocket> {
  const { hostname } = new URL(origin);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: address.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(address.port || 443),
      // TLS has no names that are addresses (RFC 6066, section 3).
      servername: isIP(hostname) ? '' : hostname,
      // What is wrong with the certificate is a finding, not the end.
      rejectUnauthorized: false,
      ...(ca !== undefined && { ca }),
    });
    socket.setTimeout(answerLimit, () =>
      socket.destroy(new Error(`Nothing came for ${answerLimit / 1000} s.`)),
    );
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
  });
}
