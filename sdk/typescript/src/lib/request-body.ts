/** Writing a body in its media type. */

import type { MemberEncoding, RequestBody } from '../operation.js'
import {
  encode,
  encodeReserved,
  isObject,
  type Pair,
  scalar,
  Unwritable,
  writePairs,
} from './parameter-style.js'

/** A body, and the content type to send with it; multipart names its own. */
export interface WrittenBody {
  /** What is sent. */
  content: BodyInit
  /** Its content type. */
  type: string | undefined
}

/** The value as a body of this media type. */
export function writeBody(value: unknown, body: RequestBody): WrittenBody {
  const type = /^[^;]*/.exec(body.type)?.[0].trim().toLowerCase() ?? ''
  if (/[/+]json$/.test(type)) return { content: json(value), type: body.type }
  if (type === 'application/x-www-form-urlencoded') return { content: form(value, body), type: body.type }
  if (type === 'multipart/form-data') return { content: multipart(value, body), type: undefined }
  if (typeof value === 'string') return { content: value, type: concrete(body.type, 'text/plain') }
  if (value instanceof Blob) return { content: value, type: concrete(body.type, value.type || BYTES) }
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return { content: value as BodyInit, type: concrete(body.type, BYTES) }
  }
  if (type.startsWith('text/')) return { content: scalar(value), type: body.type }
  throw new Unwritable('is neither text nor bytes')
}

const BYTES = 'application/octet-stream'

/** The media type as documented, unless that is a range. */
function concrete(documented: string, otherwise: string): string {
  return documented.includes('*') ? otherwise : documented
}

function json(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    // A circle or a bigint.
  }
  if (text === undefined) throw new Unwritable('cannot be written as JSON')
  return text
}

/** Scalars as text, arrays item by item, objects as JSON, unless the member's encoding says otherwise. */
function form(value: unknown, body: RequestBody): string {
  const pairs = entries(value).flatMap(([name, item]): Pair[] => {
    const encoding = body.encoding?.[name]
    if (encoding && isStyled(encoding)) {
      const style = encoding.style ?? 'form'
      const text = encoding.allowReserved ? encodeReserved : encode
      return writePairs(item, { name, style, explode: encoding.explode ?? style === 'form', encode: text })
    }
    return items(item).map((one): Pair => [encode(name), encode(isStructured(one) ? json(one) : scalar(one))])
  })
  return pairs.map(([name, text]) => `${name}=${text}`).join('&')
}

function isStyled({ style, explode, allowReserved }: MemberEncoding): boolean {
  return style !== undefined || explode !== undefined || allowReserved !== undefined
}

function multipart(value: unknown, body: RequestBody): FormData {
  const data = new FormData()
  for (const [name, item] of entries(value)) {
    const type = body.encoding?.[name]?.contentType
    for (const one of items(item)) {
      if (one instanceof Blob) {
        data.append(name, one)
      } else if (one instanceof ArrayBuffer || ArrayBuffer.isView(one)) {
        data.append(name, new Blob([one as BlobPart], { type: type ?? BYTES }))
      } else if (isStructured(one)) {
        data.append(name, new Blob([json(one)], { type: type ?? 'application/json' }))
      } else if (type !== undefined) {
        data.append(name, new Blob([scalar(one)], { type }))
      } else {
        data.append(name, scalar(one))
      }
    }
  }
  return data
}

function entries(value: unknown): [string, unknown][] {
  if (!isObject(value)) throw new Unwritable('is not an object, and a form has members')
  return Object.entries(value).filter(([, item]) => item !== undefined && item !== null)
}

function items(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value]
}

function isStructured(value: unknown): boolean {
  return isObject(value) || Array.isArray(value)
}
