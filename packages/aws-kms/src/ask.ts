import type { KMSClient } from '@aws-sdk/client-kms';
import { SealwireError } from '@sealwire/core';
import { type Call, failureOf } from './failure.ts';

/**
 * The region that a client calls.
 * @throws SealwireError `keys-invalid` if it knows none
 */
export async function regionOf(client: KMSClient): Promise<string> {
  try {
    return await client.config.region();
  } catch {
    throw new SealwireError('keys-invalid', 'The KMS client has no region: set AWS_REGION, or its option.');
  }
}

/**
 * Sends one command of the SDK, which retries what is worth it for as long as there is time.
 * @throws SealwireError `keys-invalid`, `unavailable`
 */
export async function ask<T>(
  call: Call,
  timeLimit: number,
  send: (options: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const { signal: abortSignal, expired, end } = limitOf(timeLimit);
  try {
    // The signal ends requests and retries, but not the search for credentials.
    return await Promise.race([send({ abortSignal }), expired]);
  } catch (error) {
    throw failureOf(call, error);
  } finally {
    end();
  }
}

function limitOf(timeLimit: number) {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const late = new Error();
      late.name = `NoAnswerIn${timeLimit}ms`;
      reject(late);
      controller.abort();
    }, timeLimit);
  });
  return { signal: controller.signal, expired, end: () => clearTimeout(timer) };
}
