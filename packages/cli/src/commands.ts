import { auditVerify } from './audit/verify.ts';
import type { Command } from './command.ts';
import { curl } from './curl/command.ts';
import { proxy } from './proxy.ts';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [proxy, curl, auditVerify];
