// @ts-check
import { defineConfig, globalIgnores } from 'eslint/config'
import rxjsX from 'eslint-plugin-rxjs-x'
import tseslint from 'typescript-eslint'

const shipped = [
  'src/**/*.ts',
  'plugins/**/*.ts',
  'engines/**/*.ts',
  'streams/**/*.ts',
  'stores/**/*.ts',
  'interop/**/*.ts',
]
const outside = ['test/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts', 'tools/**/*.ts', 'testing/**/*.ts']

/** Which room may import what is checked by dependency-cruiser, see .dependency-cruiser.json. */
export default defineConfig(
  // An application of its own, with compiler and packages of its own.
  globalIgnores(['dist/', 'coverage/', '.reports/', '**/node_modules/', 'examples/angular/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, rxjsX.configs.strict],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx', 'hack'], location: 'anywhere' }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ForInStatement',
          message: 'for..in walks the prototype chain: use Object.keys or Object.entries.',
        },
        {
          selector: 'MemberExpression[property.name=/^allocUnsafe(Slow)?$/]',
          message: 'Uninitialised memory can end up on the wire: use Buffer.alloc or new Uint8Array.',
        },
        {
          selector: 'TSEnumDeclaration',
          message: 'Sources run by type stripping: use a union of literals.',
        },
      ],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^rxjs/(?!testing$)',
              message: 'Import from the root of rxjs: the other entries go away in RxJS 9.',
            },
          ],
        },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // Numbers and booleans in a message are what a reader expects to see.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `() => pool.close()` is the house's way to write a thunk; a lone `return voidCall()` is still refused.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A value changes by `{ ...this, ...change }`: the spread takes every field, a hand-kept list forgets one.
      '@typescript-eslint/no-misused-spread': 'off',
      // `json<User>()` is the promise of the caller about a body; it is meant to be named in one place only.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // Overloads that are explained separately stay separate.
      '@typescript-eslint/unified-signatures': ['error', { ignoreOverloadsWithDifferentJSDoc: true }],
      // `const { secret, ...rest } = options` is how a field is left out.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true, argsIgnorePattern: '^_' }],
      // Index modules are doors here: src/index.ts is the one import of every plugin and engine.
      'rxjs-x/no-index': 'off',
    },
  },
  {
    files: shipped,
    rules: {
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts', 'plugins/*.ts', 'streams/*.ts', 'stores/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        {
          name: 'process',
          message: 'Not in a browser: this belongs in an engine or behind a package import.',
        },
        { name: 'Buffer', message: 'Not in a browser: use Uint8Array.' },
        { name: 'setImmediate', message: 'Not in a browser: use an rxjs scheduler.' },
        { name: 'global', message: 'Not in a browser: use globalThis.' },
      ],
    },
  },
  {
    files: ['plugins/*.ts', 'streams/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Ask the rxjs scheduler, so that virtual time works.' },
        {
          object: 'performance',
          property: 'now',
          message: 'Ask the rxjs scheduler, so that virtual time works.',
        },
      ],
      'no-restricted-globals': [
        'error',
        {
          name: 'process',
          message: 'Not in a browser: this belongs in an engine or behind a package import.',
        },
        { name: 'Buffer', message: 'Not in a browser: use Uint8Array.' },
        { name: 'setImmediate', message: 'Not in a browser: use an rxjs scheduler.' },
        { name: 'global', message: 'Not in a browser: use globalThis.' },
        { name: 'setTimeout', message: 'Use timer() of rxjs, so that virtual time works.' },
        { name: 'setInterval', message: 'Use interval() of rxjs, so that virtual time works.' },
      ],
    },
  },
  {
    files: outside,
    rules: {
      // A source without an await is still an async source: tests and servers are full of them on purpose.
      '@typescript-eslint/require-await': 'off',
      // An exchange that ends without a value should fail a test with EmptyError, not pass with a made-up default.
      'rxjs-x/no-ignored-default-value': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // Tests subscribe to see what happens on the wire; an error nobody handles fails the run by itself.
      'rxjs-x/no-ignored-error': 'off',
    },
  },
  {
    files: ['**/*.{js,cjs,mjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { parser: tseslint.parser },
  },
)
