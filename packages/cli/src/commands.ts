import { auditVerify } from './audit/verify.ts';
import type { Command } from './command.ts';
import { configShow } from './config/show.ts';
import { curl } from './curl/command.ts';
import { doctor } from './doctor/command.ts';
import { pin } from './pin.ts';
import { proxy } from './proxy.ts';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [proxy, curl, pin, configShow, doctor, auditVerify];
