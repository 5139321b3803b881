import { clientErrors } from './client-errors.ts';
import { serverErrors } from './server-errors.ts';

/** Every error. */
export const table = { ...clientErrors, ...serverErrors };
