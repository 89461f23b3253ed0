import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['sdk/*/test/**/*.test.ts'],
    // What a test prints on its way is noise; its closing line is what the run is judged by.
    silent: 'passed-only',
  },
})
