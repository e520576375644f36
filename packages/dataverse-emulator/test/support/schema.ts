import schema from './schema.json' with { type: 'json' };

/** Custom tables of the suites, which an environment must have to be their target: one of each type, keys in every state. */
export const suiteSchema = schema;
