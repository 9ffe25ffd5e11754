"""What the benchmarks of more than one file are measured against."""


def weightwatcher_of(layers):
    """weightwatcher's Marchenko–Pastur fits of these matrices, ready to be run."""
    import torch
    import weightwatcher

    network = torch.nn.Sequential(*(torch.nn.Linear(W.shape[1], W.shape[0]) for W in layers))
    with torch.no_grad():
        for layer, W in zip(network, layers, strict=True):
            layer.weight.copy_(torch.as_tensor(W))
    watcher = weightwatcher.WeightWatcher(model=network, log_level="ERROR")
    return lambda: watcher.analyze(mp_fit=True, plot=False)
