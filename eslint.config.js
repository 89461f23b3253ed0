import { defineConfig } from 'eslint/config'
import typescript from 'typescript-eslint'

export default defineConfig(
  { ignores: ['**/dist/', '**/generated/', 'target/', 'docs/', 'crates/', 'e2e/'] },
  { files: ['**/*.ts'], extends: [typescript.configs.recommended] },
)
