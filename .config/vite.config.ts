// The service's page: src/ui becomes dist/ui, files of its own alone; nothing is inlined, so that the page's policy can stay strict.
import { resolve } from 'node:path';
import { defineConfig } from 'vite';
import { STYLE } from '../src/report/html/style.ts';

const root = resolve(import.meta.dirname, '..');

export default defineConfig({
  root: resolve(root, 'src/ui'),
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [
    {
      // Page and report are one product: the page's style adds to the report's.
      name: 'style-of-the-report',
      enforce: 'pre',
      transform: (code, id) => (id.endsWith('/ui/page.css') ? STYLE + code : null),
    },
  ],
  build: {
    outDir: resolve(root, 'dist/ui'),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
