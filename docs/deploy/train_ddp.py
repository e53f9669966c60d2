"""Training on the scale of ImageNet, on any number of machines and graphics cards, from a model of Saccade and back.

    saccade convert vit_small_patch16_224 start/          # weights under their official names: start/model.safetensors
    torchrun --nnodes 4 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint host0:29400 \
        train_ddp.py --data /imagenet --weights start/model.safetensors --recipe recipe.json --out /shared/run
    saccade convert /shared/run/model.safetensors trained/ --architecture vit_small_patch16_224

On a Ray cluster, under ray.train.torch.TorchTrainer(lambda: main(), scaling_config=ScalingConfig(num_workers=32, use_gpu=True)), main() is the
same: Ray sets the environment that torchrun does. The recipe is a JSON file with the field names of Saccade's own: model, epochs, batch (of all
processes together), learning_rate, warmup_epochs, weight_decay, label_smoothing, clip_norm, seed. Stopped runs go on from their last whole epoch.
Needs torch, torchvision, timm and safetensors.
"""

import argparse
import json
import math
import os
from pathlib import Path

import timm
import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from timm.data import create_transform, resolve_model_data_config
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler
from torchvision.datasets import ImageFolder


def parameter_groups(model, weight_decay):
    """Biases, norms and other vectors are not decayed."""
    decayed = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def load_weights(model, path):
    """All but a last layer of other classes; whatever else does not fit is an error."""
    state = load_file(path)
    own = model.state_dict()
    head = model.default_cfg.get("classifier", "head")
    heads = (head,) if isinstance(head, str) else tuple(head or ())
    for name in list(state):
        if name.startswith(heads) and name in own and own[name].shape != state[name].shape:
            del state[name]
    missing, unexpected = model.load_state_dict(state, strict=False)
    wrong = [name for name in missing if not name.startswith(heads)] + list(unexpected)
    if wrong:
        raise SystemExit(f"{path} does not fit {model.default_cfg.get('architecture')}: {', '.join(wrong[:8])}")


def loader(folder, transform, per_process, seed, is_training, workers):
    data = ImageFolder(folder, transform)
    sampler = DistributedSampler(data, shuffle=is_training, seed=seed, drop_last=is_training)
    return DataLoader(data, per_process, sampler=sampler, num_workers=workers, pin_memory=True, drop_last=is_training)


@torch.no_grad()
def accuracy(model, batches, device):
    model.eval()
    # Right answers and pictures of all processes; the sampler repeats a few pictures so that all have as many.
    counts = torch.zeros(2, device=device, dtype=torch.float64)
    for pictures, labels in batches:
        answers = model(pictures.to(device, non_blocking=True)).argmax(1)
        counts[0] += (answers == labels.to(device)).sum()
        counts[1] += len(labels)
    dist.all_reduce(counts)
    return (counts[0] / counts[1]).item()


def save_whole(path, save):
    """Readers see the old file or the new one."""
    temporary = path.with_suffix(path.suffix + ".tmp")
    save(temporary)
    os.replace(temporary, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="train/CLASS/*.jpg and val/CLASS/*.jpg")
    parser.add_argument("--weights", help="of saccade convert; without them from scratch")
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a folder that all machines share")
    parser.add_argument("--workers", type=int, default=8, help="of each process, to decode pictures")
    args = parser.parse_args()
    recipe = json.loads(args.recipe.read_text())

    has_cards = torch.cuda.is_available()
    if not dist.is_initialized():
        dist.init_process_group("nccl" if has_cards else "gloo")
    rank, processes = dist.get_rank(), dist.get_world_size()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if has_cards else torch.device("cpu")
    if has_cards:
        torch.cuda.set_device(device)
    torch.manual_seed(recipe.get("seed", 0) + rank)

    classes = len(ImageFolder(args.data / "train").classes)
    model = timm.create_model(recipe["model"], pretrained=False, num_classes=classes)
    if args.weights:
        load_weights(model, args.weights)
    view = resolve_model_data_config(model)
    per_process, rest = divmod(recipe["batch"], processes)
    if rest or per_process == 0:
        raise SystemExit(f"a batch of {recipe['batch']} cannot be shared out among {processes} processes")
    seed = recipe.get("seed", 0)
    training = loader(args.data / "train", create_transform(**view, is_training=True), per_process, seed, True, args.workers)
    held_out = loader(args.data / "val", create_transform(**view, is_training=False), per_process, seed, False, args.workers)

    model = DistributedDataParallel(model.to(device), device_ids=[device.index] if has_cards else None)
    optimizer = torch.optim.AdamW(
        parameter_groups(model.module, recipe.get("weight_decay", 0.05)), lr=recipe["learning_rate"]
    )
    steps, warmup = recipe["epochs"] * len(training), recipe.get("warmup_epochs", 0) * len(training)
    rate = lambda step: step / max(1, warmup) if step < warmup else 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=recipe.get("label_smoothing", 0.0))

    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint, first = args.out / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        model.module.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first = state["epoch"] + 1

    for epoch in range(first, recipe["epochs"]):
        model.train()
        training.sampler.set_epoch(epoch)
        for pictures, labels in training:
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=has_cards):
                loss = loss_of(model(pictures.to(device, non_blocking=True)), labels.to(device, non_blocking=True))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if "clip_norm" in recipe:
                torch.nn.utils.clip_grad_norm_(model.parameters(), recipe["clip_norm"])
            optimizer.step()
            schedule.step()
        top1 = accuracy(model.module, held_out, device)
        if rank == 0:
            print(json.dumps({"epoch": epoch, "loss": loss.item(), "top1": top1}), flush=True)
            state = {"model": model.module.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "epoch": epoch}
            save_whole(checkpoint, lambda path: torch.save(state, path))
            weights = {name: value.detach().float().contiguous().cpu() for name, value in model.module.state_dict().items()}
            save_whole(args.out / "model.safetensors", lambda path: save_file(weights, path))
        dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
