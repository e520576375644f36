import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * The rooms of `src` and what each may import, beyond itself and packages. `type` marks rooms of which only types may be
 * imported. What is not listed is refused; `index.ts` and `wiring.ts` see everything.
 */
const rooms = {
  plan: { may: [], types: ['dataverse', 'mapping', 'source', 'ledger'] },
  orchestrators: { may: ['plan', 'names'], types: ['activities', 'entities'] },
  entities: { may: ['plan', 'names'], types: [] },
  source: { may: [], types: ['plan'] },
  dataverse: { may: [], types: ['plan', 'mapping'] },
  mapping: { may: ['plan', 'source'], types: ['dataverse'] },
  ledger: { may: ['plan'], types: ['source'] },
  activities: { may: ['source', 'mapping', 'dataverse', 'ledger', 'plan', 'names'], types: ['settings'] },
  functions: { may: ['plan', 'names', 'ledger'], types: ['settings', 'activities', 'dataverse', 'source'] },
};
const everyRoom = [...Object.keys(rooms), 'names', 'settings', 'sync-schedule', 'telemetry', 'wiring', 'index'];

const alternatives = (names) => names.join('|');
const roomPattern = (names) => `^\\.\\./(${alternatives(names)})(/|\\.ts$)`;

const noOutside = {
  regex: '(^|/)(packages|cli|bench|test|scripts)/',
  message: 'src imports nothing that is not deployed.',
};

function roomConfig([room, { may, types }]) {
  const refused = everyRoom.filter((name) => name !== room && !may.includes(name) && !types.includes(name));
  const patterns = [
    noOutside,
    { regex: roomPattern(refused), message: `${room} may not import this room (eslint.config.js).` },
  ];
  if (types.length > 0) {
    patterns.push({
      regex: roomPattern(types),
      allowTypeImports: true,
      message: `${room} may import only types from here.`,
    });
  }
  if (room === 'plan' || room === 'orchestrators' || room === 'entities') {
    patterns.push(
      {
        regex: '^(node:|@azure/|undici$|applicationinsights$)',
        allowTypeImports: true,
        message: 'Replayed and planning code does no I/O: import types only.',
      },
      {
        regex: '^durable-functions$',
        allowTypeImports: true,
        allowImportNames: ['EntityId'],
        message: 'Replayed code gets Durable through its context.',
      },
    );
  }
  return {
    files: [`src/${room}/**/*.ts`],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
  };
}

/** Replayed code must give the same actions every time: no clock, chance, environment, timer, network or module state. */
const determinism = {
  'no-restricted-globals': [
    'error',
    ...['process', 'fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'crypto', 'performance'].map(
      (name) => ({ name, message: 'Not deterministic under replay; take it as data.' }),
    ),
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Math', property: 'random', message: 'Not deterministic under replay.' },
  ],
  'no-restricted-syntax': [
    'error',
    { selector: 'Program > VariableDeclaration[kind="let"]', message: 'No mutable module state in replayed code.' },
    { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: 'Use currentUtcDateTime.' },
    { selector: 'CallExpression[callee.name="Date"]', message: 'Use currentUtcDateTime.' },
    { selector: 'MemberExpression[object.name="Date"][property.name="now"]', message: 'Use currentUtcDateTime.' },
    { selector: 'AwaitExpression', message: 'Orchestrators and planning code are synchronous.' },
  ],
};

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.local/**', '**/fixtures/**', 'dashboard/**'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.check.json', tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/require-await': 'off',
      'no-console': 'error',
      eqeqeq: 'error',
      'max-lines-per-function': ['warn', { max: 70, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/settings.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only settings.ts reads the environment.' },
      ],
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [noOutside] }],
    },
  },
  ...Object.entries(rooms).map(roomConfig),
  { files: ['src/{plan,orchestrators}/**/*.ts'], rules: determinism },
  {
    files: ['packages/*/src/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^(\\.\\./){2,}(src|cli|test|scripts)/', message: 'A package knows nothing of the app.' },
          ],
        },
      ],
    },
  },
  {
    files: ['cli/**/*.ts', 'scripts/**/*.ts', 'bench/**/*.ts', 'packages/*/src/cli.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['cli/**/*.ts', 'scripts/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'VariableDeclaration[kind=/using$/]', message: 'Node 22 has no using, and nothing compiles this.' },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'packages/*/test/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
