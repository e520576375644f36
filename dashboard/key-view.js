import { hasKey, keepKey } from './api.js';
import { h } from './dom.js';

/** Asks for the function key, which the service has just demanded. @param {() => void} onKey */
export function createKeyView(onKey) {
  const field = h('input', {
    id: 'key',
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
    'aria-describedby': 'key-note',
  });
  const element = h(
    'form',
    {
      class: 'card key',
      onsubmit: (event) => {
        event.preventDefault();
        keepKey(field.value.trim());
        onKey();
      },
    },
    h('h1', { id: 'heading', tabindex: '-1' }, 'Function key'),
    hasKey() ? h('p', { class: 'warn', role: 'alert' }, 'The service did not take this key.') : null,
    h('label', { for: 'key' }, 'A function or host key of the app'),
    field,
    h('p', { id: 'key-note', class: 'quiet' }, 'Kept in this tab until it is closed, and sent as a header only.'),
    h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Show runs')),
  );
  return { element, focus: () => field.focus() };
}
