fetch("/blob?n=1500&nested").then(a => a.text()).then(() => postMessage("ready"));
