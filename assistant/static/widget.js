// placeholder
(() => { const build = {}; })();
