/**
 * Keeps Node from warning of experimental features, which it does of WebCrypto's Ed25519 before version 24: nobody who
 * runs a command could act upon it.
 */
export function quietExperimentalWarnings(): void {
  process.removeAllListeners('warning').on('warning', ({ name, message }) => {
    if (name !== 'ExperimentalWarning') process.stderr.write(`sealwire: ${name}: ${message}\n`);
  });
}
