import { auditVerify } from './audit/verify.ts';
import { clientKeyCreate, clientKeyThumbprint } from './client-key/commands.ts';
import type { Command } from './command.ts';
import { configShow } from './config/show.ts';
import { curl } from './curl/command.ts';
import { doctor } from './doctor/command.ts';
import { keysAdd } from './keys/add.ts';
import { keysExportBundle, keysExportPublic } from './keys/export.ts';
import { keysInit } from './keys/init.ts';
import { keysList } from './keys/list.ts';
import { keysRotate } from './keys/rotate.ts';
import { keysSteps } from './keys/steps.ts';
import { pin } from './pin.ts';
import { proxy } from './proxy.ts';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  proxy,
  curl,
  pin,
  configShow,
  doctor,
  keysInit,
  keysList,
  keysAdd,
  ...keysSteps,
  keysRotate,
  keysExportPublic,
  keysExportBundle,
  clientKeyCreate,
  clientKeyThumbprint,
  auditVerify,
];
