import { fileURLToPath } from 'node:url';
import { buildIfNeeded } from '../scripts/build-if-needed.ts';

/** Entry of `npm run bench:simulate`: the simulator imports the emulator's models as the package that they are, which has to be built. */
await buildIfNeeded(fileURLToPath(new URL('..', import.meta.url)));
await import('./simulator/main.ts');
