import { fileURLToPath } from 'node:url';

const schemaOf = (sample: string) => fileURLToPath(new URL(`../samples/${sample}/schema.json`, import.meta.url));

export const geonamesSchema = schemaOf('geonames');

/** Tables of the samples, for the emulator of a local stack. */
export const sampleSchemas: readonly string[] = [geonamesSchema, schemaOf('customers')];
