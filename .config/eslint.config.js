// Lint: typescript-eslint's strictest typed rules; an unawaited promise here is a leaked flow or a fault never reverted.
import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/node_modules/**', 'dist/**', 'runs/**', 'coverage/**', '**/planted/**'] },
  {
    files: ['src/**/*.{ts,tsx}', 'test/**/*.ts', '.config/**/*.ts'],
    extends: [eslint.configs.recommended, ...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: process.cwd() } },
    rules: {
      '@typescript-eslint/consistent-type-definitions': ['error', 'type'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { requireDefaultForNonUnion: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // `await using lab = …` is used by being released at the end; `for await (const _ of ticks)` has no shorter form.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreUsingDeclarations: true, varsIgnorePattern: '^_$' }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'no default exports' },
        { selector: 'ExportSpecifier[exported.name="default"]', message: 'no default exports' },
      ],
    },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    ignores: ['src/cli/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'only src/cli reads the environment' },
        { object: 'process', property: 'exit', message: 'only src/cli ends the process' },
      ],
      'no-restricted-imports': [
        'error',
        { name: 'node:process', message: 'only src/cli reads the environment and ends the process' },
        'process',
      ],
    },
  },
  { files: ['.config/**/*.ts'], rules: { 'no-restricted-syntax': 'off' } },
);
